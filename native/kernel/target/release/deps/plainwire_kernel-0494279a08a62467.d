/tmp/wt/tidy/native/kernel/target/release/deps/plainwire_kernel-0494279a08a62467.d: src/lib.rs src/attributes.rs src/blocks.rs src/connections.rs src/exchanges.rs src/h2/mod.rs src/h2/connection.rs src/h2/fields.rs src/h2/frames.rs src/h2/hpack.rs src/h2/huffman.rs src/h2/streams.rs src/heads.rs src/keys.rs src/messages.rs src/segments.rs src/tls/mod.rs src/tls/hello.rs src/tls/runs.rs src/tls/sealed.rs src/whole/mod.rs src/whole/secure.rs src/whole/tcp.rs Cargo.toml

/tmp/wt/tidy/native/kernel/target/release/deps/libplainwire_kernel-0494279a08a62467.rmeta: src/lib.rs src/attributes.rs src/blocks.rs src/connections.rs src/exchanges.rs src/h2/mod.rs src/h2/connection.rs src/h2/fields.rs src/h2/frames.rs src/h2/hpack.rs src/h2/huffman.rs src/h2/streams.rs src/heads.rs src/keys.rs src/messages.rs src/segments.rs src/tls/mod.rs src/tls/hello.rs src/tls/runs.rs src/tls/sealed.rs src/whole/mod.rs src/whole/secure.rs src/whole/tcp.rs Cargo.toml

src/lib.rs:
src/attributes.rs:
src/blocks.rs:
src/connections.rs:
src/exchanges.rs:
src/h2/mod.rs:
src/h2/connection.rs:
src/h2/fields.rs:
src/h2/frames.rs:
src/h2/hpack.rs:
src/h2/huffman.rs:
src/h2/streams.rs:
src/heads.rs:
src/keys.rs:
src/messages.rs:
src/segments.rs:
src/tls/mod.rs:
src/tls/hello.rs:
src/tls/runs.rs:
src/tls/sealed.rs:
src/whole/mod.rs:
src/whole/secure.rs:
src/whole/tcp.rs:
Cargo.toml:

# env-dep:CARGO_PKG_VERSION=0.8.0
# env-dep:CLIPPY_ARGS=
# env-dep:CLIPPY_CONF_DIR
