// Package pipeline runs a source and a sink, joined without a broker: two child processes that speak the link protocol with
// this one. A record is acknowledged to the source when the sink has acknowledged it, and not before.
//
// The records that are on their way are in a ledger, so that the sink may die and be started again; the positions of the
// source are kept in a file, so that the source may. docs/pipelines.md tells users what that promises.
package pipeline
