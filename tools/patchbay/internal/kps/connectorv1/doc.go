// Package connectorv1 is the service connector.v1.ConnectorService of Karbon Platform Services, generated from
// connector.proto. protoc needs google/protobuf/struct.proto and its like beside itself (on Debian: libprotobuf-dev), and
// in PATH protoc-gen-go v1.36.12 and protoc-gen-go-grpc v1.6.1.
package connectorv1

//go:generate protoc --go_out=. --go_opt=paths=source_relative --go-grpc_out=. --go-grpc_opt=paths=source_relative connector.proto
