// gRPC C++ with its asynchronous callback API, the one its own documentation recommends.
//
// usage: server PORT
#include <cstdio>
#include <grpcpp/grpcpp.h>

#include "echo.grpc.pb.h"

namespace {

class StreamReactor final : public grpc::ServerWriteReactor<bench::Text> {
  public:
    explicit StreamReactor(long count) : left_(count) {
        text_.set_id("0123456789abcdef");
        Next();
    }
    void OnWriteDone(bool ok) override { ok ? Next() : Finish(grpc::Status::CANCELLED); }
    void OnDone() override { delete this; }

  private:
    void Next() { left_-- > 0 ? StartWrite(&text_) : Finish(grpc::Status::OK); }

    bench::Text text_;
    long left_;
};

class Service final : public bench::Echo::CallbackService {
    grpc::ServerUnaryReactor *Unary(grpc::CallbackServerContext *context, const bench::Text *request,
                                    bench::Text *response) override {
        *response = *request;
        auto *reactor = context->DefaultReactor();
        reactor->Finish(grpc::Status::OK);
        return reactor;
    }
    grpc::ServerUnaryReactor *Bulk(grpc::CallbackServerContext *context, const bench::Blob *request,
                                   bench::Blob *response) override {
        *response = *request;
        auto *reactor = context->DefaultReactor();
        reactor->Finish(grpc::Status::OK);
        return reactor;
    }
    grpc::ServerWriteReactor<bench::Text> *Stream(grpc::CallbackServerContext *, const bench::Text *request) override {
        return new StreamReactor(std::atol(request->id().c_str()));
    }
};

}  // namespace

int main(int argc, char **argv) {
    Service service;
    int port = 0;
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:" + std::string(argc > 1 ? argv[1] : "0"), grpc::InsecureServerCredentials(),
                             &port);
    builder.SetMaxReceiveMessageSize(64 << 20);
    builder.RegisterService(&service);
    auto server = builder.BuildAndStart();
    if (!server) return 1;
    std::printf("%d\n", port);
    std::fflush(stdout);
    server->Wait();
}
