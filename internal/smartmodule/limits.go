package smartmodule

import "time"

// Limits bound what a module may use. A zero field is the default.
type Limits struct {
	Memory  int64         // bytes of its memory, in steps of 64 KiB; default 64 MiB
	Call    time.Duration // of one call, which has up to 100 records; default 5 s
	Answer  int           // bytes that one call hands back; default 32 MiB
	Records int           // records that one call hands back; default 250,000
}

const (
	page = 64 << 10

	// batchRecords and batchBytes bound what one call is given; a larger record goes alone. Beyond them a call's own cost has
	// long vanished, and a record that breaks its call makes so many others go through it once more.
	batchRecords = 100
	batchBytes   = 1 << 20
)

func (l Limits) withDefaults() Limits {
	if l.Memory == 0 {
		l.Memory = 64 << 20
	}
	if l.Call == 0 {
		l.Call = 5 * time.Second
	}
	if l.Answer == 0 {
		l.Answer = 32 << 20
	}
	if l.Records == 0 {
		l.Records = 250_000
	}
	return l
}

// A LookBack says which earlier records a module is shown before it goes on: those that it is given by Runner.LookBack at the
// start, and those that went through it last where its instance had to be replaced.
type LookBack struct {
	Last int           // how many at the most
	Age  time.Duration // how old at the most; 0 means any age
}
