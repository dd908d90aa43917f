package localbroker

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// minToken is the length below which a token in the file is taken for damage.
const minToken = 16

// loadToken returns the broker's secret. It is made once and kept, so that an address handed to other tools stays good
// over restarts but for its port. The caller holds the lock on the data.
func loadToken(path string) (string, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeToken(path)
	}
	if err != nil {
		return "", fmt.Errorf("read the broker's token: %w", err)
	}
	token := strings.TrimSpace(string(data))
	if len(token) < minToken || strings.ContainsAny(token, " \t\r\n") {
		return "", fmt.Errorf("the broker's token in %s is damaged: remove the file to have a new one made", path)
	}
	return token, nil
}

func makeToken(path string) (string, error) {
	token := rand.Text() // 128 random bits, letters and digits only
	tmp := path + ".new"
	// In one step, so that an interrupted start does not leave half a token, and on the disk for good before records are: a
	// power cut would leave a token that is empty beside them.
	err := writeSynced(tmp, token+"\n")
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return "", fmt.Errorf("write the broker's token: %w", err)
	}
	return token, nil
}

func writeSynced(path, text string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
