package evidence

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"time"
)

// durationsFile is beside the entries, and as good as none where it is damaged: it only tells what to begin with.
const durationsFile = "durations.json"

// Durations returns how long connectors took, by name, when they were last proved on this machine.
func (c Cache) Durations() map[string]time.Duration {
	known := map[string]time.Duration{}
	if c.dir == "" {
		return known
	}
	text, err := os.ReadFile(filepath.Join(c.dir, durationsFile))
	if err != nil || json.Unmarshal(text, &known) != nil {
		return map[string]time.Duration{}
	}
	return known
}

// KeepDurations adds to what Durations returns. It does what it can. Of two processes at a time one may be forgotten.
func (c Cache) KeepDurations(took map[string]time.Duration) {
	if c.dir == "" || len(took) == 0 {
		return
	}
	known := c.Durations()
	maps.Copy(known, took)
	if text, err := json.Marshal(known); err == nil {
		_ = c.replace(filepath.Join(c.dir, durationsFile), text)
	}
}
