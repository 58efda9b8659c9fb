/tmp/wt/tidy/native/kernel/target/release/deps/aes_gcm-7a7011c71b478175.d: /root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/aes-gcm-0.11.1/src/lib.rs /root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/aes-gcm-0.11.1/src/../README.md

/tmp/wt/tidy/native/kernel/target/release/deps/libaes_gcm-7a7011c71b478175.rmeta: /root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/aes-gcm-0.11.1/src/lib.rs /root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/aes-gcm-0.11.1/src/../README.md

/root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/aes-gcm-0.11.1/src/lib.rs:
/root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/aes-gcm-0.11.1/src/../README.md:
