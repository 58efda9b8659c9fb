/tmp/wt/tidy/native/kernel/target/release/deps/ghash-1942dc6d7f6dcb5b.d: /root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/ghash-0.6.0/src/lib.rs /root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/ghash-0.6.0/src/../README.md

/tmp/wt/tidy/native/kernel/target/release/deps/libghash-1942dc6d7f6dcb5b.rmeta: /root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/ghash-0.6.0/src/lib.rs /root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/ghash-0.6.0/src/../README.md

/root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/ghash-0.6.0/src/lib.rs:
/root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/ghash-0.6.0/src/../README.md:
