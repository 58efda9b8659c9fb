/tmp/wt/tidy/native/kernel/target/release/deps/cfg_if-7aa528547bc28ea7.d: /root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/cfg-if-1.0.5/src/lib.rs

/tmp/wt/tidy/native/kernel/target/release/deps/libcfg_if-7aa528547bc28ea7.rmeta: /root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/cfg-if-1.0.5/src/lib.rs

/root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/cfg-if-1.0.5/src/lib.rs:
