// Package kps serves connectors to Karbon Platform Services (KPS). The platform calls one gRPC service, in which it says
// which streams it wants and how they are configured, and asks how they are; records travel beside it, in TransportMessages
// on plain NATS subjects. Each stream is one child with the delivery engine around it (package host): a source where the
// stream is one of ingress, a sink where it is one of egress.
//
// Options come in three ways, by their lifecycle class: what is static is set when the connector is installed, by flags and
// environment variables; what is of the class config comes by the Config payload, for all streams, while they run; all else
// comes by the metadata of each stream. An option has one way and no other.
package kps
