// Package common is what a connector imports. An author writes an options struct with one method, Run, and calls RunSource
// or RunSink; flags, environment variables, config file, JSON Schema, metadata, delivery, retries, transforms and signals
// follow from that.
//
// A source:
//
//	// Clock holds the options that only this connector has.
//	type Clock struct {
//		Interval time.Duration `help:"Pause between two records." default:"1s" min:"1ns"`
//	}
//
//	// Run sends the time until ctx ends.
//	func (c *Clock) Run(ctx context.Context, out common.Output) error {
//		for {
//			rec := common.Record{Value: []byte(time.Now().Format(time.RFC3339Nano))}
//			if err := out.Send(ctx, rec); err != nil {
//				return err
//			}
//			if err := common.Sleep(ctx, c.Interval); err != nil {
//				return err
//			}
//		}
//	}
//
//	func main() {
//		common.RunSource(common.Info{
//			Name: "clock-source", Version: "0.1.0", Category: "Testing",
//			Description: "Sends the time of day at a steady pace.",
//		}, &Clock{})
//	}
//
// # Options
//
// The struct's fields become flags by their tags, which mean what they mean to kong: help, default, enum, required,
// placeholder, hidden, group, name, prefix and embed, sep, xor, and. Beside these a field may carry min and max (bounds of a
// number; min:"0s" or min:"1ns" for a duration, min:"1B" for a size), maxlen and pattern (of text; form says in words what the
// pattern asks for), unit (what a plain number counts), change (static, config or stream: when a host may change it), identity
// (the option names the resource that is read), discover (required of a run, and not of a Discoverer, which finds what it may
// be) and, where it goes out of use, deprecated (the first day on which it may be gone), replacement (another option, or none)
// and note (how to migrate). An option that had other names carries them in aliases, the oldest first: as flag, variable and
// key they are taken as before, with a note. Environment variables are derived from the names and are never written in a tag.
// Supported types are string, bool, int, int64, float64, time.Duration, Secret, Size, URL, slices of these, and
// map[string]string.
//
// # Optional methods
//
// An options struct may have more methods than Run: Validate (see Validator), Check (see Checker), Discover (see Discoverer), and that of
// a source, Committed (see Committer). The commands validate, check and discover call the first three.
//
// # Guarantees
//
// Delivery is at least once. A source's position is saved after the topic has acknowledged every record up to it; a sink's
// records are acknowledged after the sink has. An error that Run returns starts Run again, after a back-off, from there;
// Permanent ends the program.
package common
