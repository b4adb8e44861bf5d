// grpc-go, as a service would use it.
//
// usage: server PORT
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"os"
	"strconv"

	"bench/echopb"
	"google.golang.org/grpc"
)

type server struct {
	echopb.UnimplementedEchoServer
}

func (server) Unary(_ context.Context, request *echopb.Text) (*echopb.Text, error) { return request, nil }

func (server) Bulk(_ context.Context, request *echopb.Blob) (*echopb.Blob, error) { return request, nil }

func (server) Stream(request *echopb.Text, stream echopb.Echo_StreamServer) error {
	count, err := strconv.Atoi(request.Id)
	if err != nil {
		return err
	}
	message := &echopb.Text{Id: "0123456789abcdef"}
	for ; count > 0; count-- {
		if err := stream.Send(message); err != nil {
			return err
		}
	}
	return nil
}

func main() {
	port := "0"
	if len(os.Args) > 1 {
		port = os.Args[1]
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		log.Fatal(err)
	}
	service := grpc.NewServer(grpc.MaxRecvMsgSize(64<<20), grpc.InitialWindowSize(1<<20), grpc.InitialConnWindowSize(16<<20))
	echopb.RegisterEchoServer(service, server{})
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	log.Fatal(service.Serve(listener))
}
