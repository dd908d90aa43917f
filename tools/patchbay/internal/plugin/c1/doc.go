// Package c1 is the contract between a c1 host and its connectors, generated from connector.proto.
package c1

//go:generate ../../../../dev/protoc.sh -I .. --go_out=.. --go_opt=paths=source_relative --go-grpc_out=.. --go-grpc_opt=paths=source_relative c1/connector.proto
