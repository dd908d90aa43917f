// Package connectorv1 is the service connector.v1.ConnectorService of Karbon Platform Services, generated from
// connector.proto.
package connectorv1

//go:generate ../../../../dev/protoc.sh --go_out=. --go_opt=paths=source_relative --go-grpc_out=. --go-grpc_opt=paths=source_relative connector.proto
