"""A gRPC server in clear text, in a process of its own: it prints its port, and a line for each call."""

import sys
from concurrent import futures

import grpc


def say(asked: bytes, _: grpc.ServicerContext) -> bytes:
    print("call", flush=True)
    return asked


server = grpc.server(futures.ThreadPoolExecutor(4))
handlers = {"Say": grpc.unary_unary_rpc_method_handler(say)}
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("Echo", handlers),))
print(server.add_insecure_port("127.0.0.1:0"), flush=True)
server.start()
sys.stdin.read()
server.stop(None)
