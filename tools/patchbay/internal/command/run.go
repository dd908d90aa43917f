package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/pipeline"
)

// pipelineFlags say which pipelines are meant and where their connectors are.
type pipelineFlags struct {
	Paths []string `arg:"" name:"path" help:"Pipeline files, and folders of them (*.yaml, *.yml, *.json)."`
	binFlags
}

// binFlags say where connectors are.
type binFlags struct {
	Bin []string `placeholder:"DIR" help:"Folder that holds connectors; looked into before PATCHBAY_BIN_DIR and the folder of patchbay itself."`
}

type runCommand struct {
	pipelineFlags
	Once             bool          `help:"Make one pass over what the sources have now, deliver it, then end."`
	MaxRecords       int           `default:"0" placeholder:"N" help:"End a pipeline after its source has delivered this many records; 0 means no limit."`
	State            string        `placeholder:"DIR" env:"PATCHBAY_PIPELINE_STATE" help:"Folder that keeps the positions of pipelines. Default: patchbay/pipelines in XDG_STATE_HOME."`
	StartTimeout     time.Duration `default:"30s" env:"PATCHBAY_START_TIMEOUT" help:"Give a pipeline up if a side of it has not worked by then."`
	ShutdownTimeout  time.Duration `default:"10s" env:"PATCHBAY_SHUTDOWN_TIMEOUT" help:"Longest time to finish what is under way after a request to stop."`
	MaxInFlight      int           `default:"4096" help:"Most records of a pipeline that are not acknowledged."`
	MaxInFlightBytes int64         `default:"67108864" help:"Most bytes in such records; one record may have more."`
	MetricsAddr      string        `placeholder:"HOST:PORT" env:"PATCHBAY_METRICS_ADDR" help:"Serve metrics and health of all pipelines."`
	LogLevel         string        `default:"" enum:",debug,info,warn,error" env:"PATCHBAY_LOG_LEVEL" help:"Least severe messages to log, of patchbay and of connectors whose side says nothing else. Default: info."`
	LogFormat        string        `default:"text" enum:"text,json" env:"PATCHBAY_LOG_FORMAT" help:"How messages are written to standard error (${enum})."`
}

// Validate is called by kong; what it finds is wrong usage.
func (r *runCommand) Validate() error {
	switch {
	case r.MaxRecords < 0:
		return fmt.Errorf("--max-records: %d is negative; 0 means no limit", r.MaxRecords)
	case r.StartTimeout <= 0 || r.ShutdownTimeout <= 0:
		return errors.New("--start-timeout and --shutdown-timeout must be more than 0")
	case r.MaxInFlight < 1 || r.MaxInFlight > 1_000_000:
		return fmt.Errorf("--max-in-flight: %d is not between 1 and 1000000", r.MaxInFlight)
	case r.MaxInFlightBytes < 1:
		return fmt.Errorf("--max-in-flight-bytes: %d is less than 1", r.MaxInFlightBytes)
	}
	return nil
}

// Run checks all pipelines, then runs them until they have ended, or ctx ends and what is under way is finished.
func (r *runCommand) Run(ctx context.Context, s Surroundings) error {
	options := pipeline.Options{Dirs: r.dirs(s)}
	options.Once, options.MaxRecords, options.LogLevel, options.LogFormat = r.Once, r.MaxRecords, r.LogLevel, r.LogFormat
	options.Limits = pipeline.Limits{
		Window: r.MaxInFlight, MaxBytes: r.MaxInFlightBytes, StartTimeout: r.StartTimeout, ShutdownTimeout: r.ShutdownTimeout,
	}
	all, err := load(ctx, r.Paths, options)
	switch {
	case ctx.Err() != nil && err != nil: // it was broken off
		return nil
	case err != nil:
		return err
	}
	state := r.State
	if state == "" {
		if state, err = stateFolder(s, "pipelines"); err != nil {
			return err
		}
	}
	stdout, _ := s.Stdout.(*os.File)
	return pipeline.Run(ctx, all, pipeline.Surroundings{
		State: state, MetricsAddr: r.MetricsAddr, LogLevel: r.LogLevel, LogFormat: r.LogFormat,
		Stdout: stdout, Stderr: s.Stderr,
	})
}

type validateCommand struct{ pipelineFlags }

// Run checks pipelines and runs nothing.
func (v *validateCommand) Run(ctx context.Context, s Surroundings) error {
	all, err := load(ctx, v.Paths, pipeline.Options{Dirs: v.dirs(s)})
	if err != nil {
		return err
	}
	for _, p := range all {
		fmt.Fprintf(s.Stdout, "%s: the pipeline is valid\n", p.Name)
	}
	return nil
}

// load turns pipelines that are not valid into wrong usage.
func load(ctx context.Context, paths []string, o pipeline.Options) ([]*pipeline.Pipeline, error) {
	all, err := pipeline.Load(ctx, paths, o)
	if invalid := (*pipeline.Invalid)(nil); errors.As(err, &invalid) {
		return nil, &usageError{invalid}
	}
	return all, err
}

// dirs returns the folders, in the order in which to look.
func (f *binFlags) dirs(s Surroundings) []string {
	dirs := f.Bin
	if dir := s.Env.Getenv("PATCHBAY_BIN_DIR"); dir != "" {
		dirs = append(dirs, dir)
	}
	if own, err := os.Executable(); err == nil {
		if real, err := filepath.EvalSymlinks(own); err == nil {
			own = real
		}
		dirs = append(dirs, filepath.Dir(own))
	}
	return dirs
}

// stateFolder is where a command keeps positions unless the command line says otherwise.
func stateFolder(s Surroundings, command string) (string, error) {
	dir := userFolder(s, "XDG_STATE_HOME", ".local/state")
	if dir == "" {
		return "", errors.New("neither XDG_STATE_HOME nor HOME is set; say with --state DIR where to keep positions")
	}
	return filepath.Join(dir, "patchbay", command), nil
}

// userFolder is the folder that a variable of the XDG base directories names, else the one in the home folder that stands for
// it; empty if there is neither.
func userFolder(s Surroundings, variable, inHome string) string {
	if dir := s.Env.Getenv(variable); filepath.IsAbs(dir) { // an empty or relative one is to be ignored
		return dir
	}
	if home := s.Env.Getenv("HOME"); home != "" {
		return filepath.Join(home, inHome)
	}
	return ""
}
