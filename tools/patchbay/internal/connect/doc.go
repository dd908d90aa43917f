// Package connect makes any connector a Synadia Connect runtime. An agent launches the runtime with the steps of one
// connector in its only argument; the source or sink among them names the program to run, and the producer or consumer says
// which NATS subject, stream or bucket its records go to or come from. The transformer, if there is one, runs in between.
package connect
