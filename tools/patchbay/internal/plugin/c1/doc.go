// Package c1 is the contract between a c1 host and its connectors, generated from connector.proto.
//
// To generate it again, put protoc on the PATH and beside it protoc-gen-go (google.golang.org/protobuf/cmd/protoc-gen-go, of
// the version in go.mod) and protoc-gen-go-grpc (google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.2).
package c1

//go:generate protoc -I .. --go_out=.. --go_opt=paths=source_relative --go-grpc_out=.. --go-grpc_opt=paths=source_relative c1/connector.proto
