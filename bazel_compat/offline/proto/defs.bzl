"""The protobuf rules that are built into Bazel 4; its own packages name them."""

proto_lang_toolchain = native.proto_lang_toolchain
proto_library = native.proto_library
