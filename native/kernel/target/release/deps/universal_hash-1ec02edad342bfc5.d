/tmp/wt/tidy/native/kernel/target/release/deps/universal_hash-1ec02edad342bfc5.d: /root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/universal-hash-0.6.1/src/lib.rs /root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/universal-hash-0.6.1/src/../README.md

/tmp/wt/tidy/native/kernel/target/release/deps/libuniversal_hash-1ec02edad342bfc5.rmeta: /root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/universal-hash-0.6.1/src/lib.rs /root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/universal-hash-0.6.1/src/../README.md

/root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/universal-hash-0.6.1/src/lib.rs:
/root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/universal-hash-0.6.1/src/../README.md:
