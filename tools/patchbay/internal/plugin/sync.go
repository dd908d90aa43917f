package plugin

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/internal/state"
	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/connector"
	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/host"
	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/plugin/c1"
)

// patience is how much longer than the source we wait for a sign of life: it knows better what is wrong.
const patience = 5 * time.Second

// An account is what one sync is about.
type account struct {
	Settings
	*shaper
	program *connector.Program
	options map[string]any
}

// end is the metadata of EndSync, as JSON.
type end struct {
	Connector string            `json:"connector"`
	Version   string            `json:"version,omitempty"`
	Account   string            `json:"account"`
	Upserts   int               `json:"upserts"` // objects that the host took, deletes not among them
	Deletes   int               `json:"deletes"`
	Pages     int               `json:"pages"`
	Cleaned   bool              `json:"cleaned,omitempty"`   // the host was asked to forget everything first
	Positions map[string]string `json:"positions,omitempty"` // where the source stands in each partition
}

// Sync implements the Connector of c1. It blocks until the source has made its pass, has failed for good, or ctx ends.
func (s *server) Sync(ctx context.Context, request *c1.SyncRequest) (*c1.EndSync, error) {
	s.syncs.Add(1)
	defer s.syncs.Done()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.stop, cancel)()
	out, err := s.sync(ctx, request)
	if ctx.Err() != nil {
		return nil, status.Error(codes.Canceled, "the sync was stopped before its end")
	}
	if err != nil {
		s.log.Error("the sync failed", "error", err)
		code := codes.Unknown
		if wrong := (*unusable)(nil); errors.As(err, &wrong) {
			code = codes.InvalidArgument
		}
		return nil, status.Error(code, oneLine(err))
	}
	return out, nil
}

// unusable says that what the host or the command line asks for cannot be had.
type unusable struct{ error }

func (u *unusable) Unwrap() error { return u.error }

// oneLine is an error as hosts show it.
func oneLine(err error) string {
	lines := strings.Split(strings.TrimSpace(err.Error()), "\n")
	return connector.OneLine(strings.Join(lines, "; "))
}

func (s *server) sync(ctx context.Context, request *c1.SyncRequest) (*c1.EndSync, error) {
	a, err := s.account(ctx, request.GetOptions())
	if err != nil {
		return nil, &unusable{err}
	}
	dir, err := os.MkdirTemp(s.dir, "sync-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path, err := a.program.Configure(ctx, s.Env, dir, a.name, a.options)
	if err != nil {
		return nil, &unusable{err}
	}
	conn, err := s.broker.Dial(request.GetCallbackHandlerServer())
	if err != nil {
		return nil, &unusable{fmt.Errorf("the host serves no CallbackHandler on stream %d: %w", request.GetCallbackHandlerServer(), err)}
	}
	defer conn.Close()
	handler := c1.NewCallbackHandlerClient(conn)
	store, err := s.open(ctx, a)
	if err != nil {
		return nil, err
	}
	defer store.Close()
	if a.resync {
		if _, err := handler.Clean(ctx, &c1.Empty{}); err != nil {
			return nil, fmt.Errorf("the host did not clean the account: %s", status.Convert(err).Message())
		}
	}
	w := newPages(a.shaper, a.PageSize, handler)
	defer w.Close()
	i := host.Instance{
		Program: a.program, Env: s.Env, Name: a.name, Config: path, Topic: "the host", Limits: s.Limits,
		Log: s.log.Logger, Stderr: s.log.line,
	}
	i.Limits.Once = true
	i.Limits.StartTimeout += patience
	i.Limits.MaxInFlight = max(2*a.PageSize, i.Limits.MaxInFlight)
	if err := i.RunSource(ctx, w, store); err != nil {
		return nil, err
	}
	_ = w.Close() // now the count is complete
	return s.end(ctx, a, w.count, store)
}

// end says what a sync has done.
func (s *server) end(ctx context.Context, a *account, n count, store state.Store) (*c1.EndSync, error) {
	e := end{
		Connector: filepath.Base(a.program.Path), Version: a.program.Version, Account: a.name,
		Upserts: n.upserts, Deletes: n.deletes, Pages: n.pages, Cleaned: a.resync,
	}
	saved, err := store.Load(ctx)
	if err != nil {
		return nil, err
	}
	if saved != nil {
		e.Positions = saved.Positions
	}
	text, err := encode(e)
	return &c1.EndSync{Metadata: text}, err
}

// account finds out what a sync is about. Its errors are for whoever wrote the options.
func (s *server) account(ctx context.Context, text string) (*account, error) {
	finder := connector.Finder{Dirs: s.Dirs, Env: s.Env}
	program, err := finder.Find(ctx, s.Connector)
	if err != nil {
		return nil, err
	}
	if program.Direction == metadata.Sink {
		return nil, fmt.Errorf("%s is a sink, and c1 hosts only read: name a source", filepath.Base(program.Path))
	}
	always, err := program.FromFlags(s.Args, reservedTypes)
	if err != nil {
		return nil, fmt.Errorf("what follows the connector on the command line: %w", err)
	}
	theirs, err := parseOptions(program, text)
	if err != nil {
		return nil, err
	}
	a := &account{program: program, options: merge(always, theirs)}
	if a.Settings, err = s.Settings.take(a.options); err != nil {
		return nil, err
	}
	if a.shaper, err = a.compile(); err != nil {
		return nil, err
	}
	if once, ok := a.options["once"]; ok && once != true {
		return nil, errors.New("once: a sync is one bounded pass; leave the option out")
	}
	if a.name == "" {
		if a.name, err = defaultName(program, a.options); err != nil {
			return nil, err
		}
	}
	a.options["once"] = true
	if _, ok := a.options["start-timeout"]; !ok && program.Offers("start-timeout") {
		a.options["start-timeout"] = s.Limits.StartTimeout.String()
	}
	return a, nil
}

// defaultName names an account after the connector and the digest of its options, so that the same options come to the same
// name and no secret can be read from it.
func defaultName(p *connector.Program, options map[string]any) (string, error) {
	text, err := json.Marshal(options) // with sorted keys
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return filepath.Base(p.Path) + "-" + hex.EncodeToString(sum[:8]), nil
}
