"""What both sides of the cases know."""

ECHO_INITIAL = "x-grpc-test-echo-initial"
ECHO_TRAILING = "x-grpc-test-echo-trailing-bin"
SERVER_NAME = "x-interop-server"  # says in the headers of an answer which server gave it

# The cases under the names that all implementations use, in the order of the table.
CASES = [
    "empty_unary", "large_unary", "client_streaming", "server_streaming", "ping_pong", "empty_stream",
    "client_compressed_unary", "server_compressed_unary", "client_compressed_streaming", "server_compressed_streaming",
    "custom_metadata", "status_code_and_message", "special_status_message", "unimplemented_method",
    "unimplemented_service", "cancel_after_begin", "cancel_after_first_response", "timeout_on_sleeping_server",
    "concurrent_large_unary", "cacheable_unary", "pick_first_unary", "rpc_soak", "channel_soak", "long_lived_channel",
    "per_rpc_creds", "orca_per_rpc", "orca_oob", "compute_engine_creds", "jwt_token_creds", "oauth2_auth_token",
    "google_default_credentials",
]

# Those that take seconds: left out of the short form.
LONG_CASES = {"concurrent_large_unary", "rpc_soak", "channel_soak", "long_lived_channel"}
