package link

import (
	"io"
	"time"
)

// A Child is a connector that runs as a child process, for programs that read and write frames themselves, such as those
// that pass on what they need not understand. StartSource and StartSink do everything else for those who do not.
type Child struct{ p *process }

// StartChild starts a source or a sink. Of the Command's functions only Stderr is used. One goroutine reads Frames to the
// end, whatever happens, and then calls Wait.
func StartChild(c Command, sink bool) (*Child, error) {
	p, err := start(c, sink)
	if err != nil {
		return nil, err
	}
	return &Child{p}, nil
}

// Frames is what the child sends. It ends with the child.
func (c *Child) Frames() io.Reader { return c.p }

// Write writes frames to the child's input. It blocks while the child does not read, until the child has ended or
// CloseInput is called. One goroutine at a time may call it.
func (c *Child) Write(b []byte) (int, error) { return c.p.stdin.Write(b) }

// CloseInput ends the child's input and breaks off a Write.
func (c *Child) CloseInput() { c.p.stdin.Close() }

// End sees to it that the child ends: with SIGTERM once the grace has passed, with SIGKILL after as much again. It blocks
// until then.
func (c *Child) End(grace time.Duration) { c.p.end(grace) }

// Kill ends the child and its process group at once. It does not block.
func (c *Child) Kill() { c.p.kill() }

// Wait is called once, with the error with which Frames or what was read from it has ended. It blocks until the child has
// ended, kills it first if the error is not io.EOF, and returns nil if it ended with status 0, else an *ExitError or the
// error that was given.
func (c *Child) Wait(err error) error {
	c.p.await(err)
	c.p.closeFiles()
	return c.p.outcome(err)
}
