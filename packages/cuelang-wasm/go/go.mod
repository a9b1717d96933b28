module cuelang-wasm

go 1.26

toolchain go1.26.8

require cuelang.org/go v0.17.1
