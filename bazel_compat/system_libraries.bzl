"""The libraries and the protobuf compiler that the machine has installed, as pkg-config knows them."""

_LIBRARIES = [
    "absl_btree",
    "absl_flat_hash_map",
    "absl_flat_hash_set",
    "absl_node_hash_map",
    "absl_status",
    "absl_statusor",
    "absl_str_format",
    "absl_strings",
    "absl_time",
    "gmock_main",
    "protobuf-lite",
    "simdjson",
    "sqlite3",
]

def _flags(repository, library, kind):
    result = repository.execute(["pkg-config", kind, library])
    if result.return_code != 0:
        fail("pkg-config does not know {}: {}".format(library, result.stderr))
    return [flag for flag in result.stdout.strip().split(" ") if flag]

# The headers are in the compiler's own folders, so only definitions and link options are left.
def _library(repository, library):
    defines = []
    for flag in _flags(repository, library, "--cflags"):
        if not flag.startswith("-D"):
            fail("{} asks for {}, which is not a definition".format(library, flag))
        defines.append(flag[len("-D"):])
    return """cc_library(
    name = {name},
    defines = {defines},
    linkopts = {linkopts},
    visibility = ["//visibility:public"],
)
""".format(
        name = repr(library),
        defines = repr(defines),
        linkopts = repr(_flags(repository, library, "--libs")),
    )

def _system_libraries(repository):
    protoc = repository.which("protoc")
    if not protoc:
        fail("no protoc in PATH")
    repository.symlink(protoc, "protoc")
    repository.file("BUILD.bazel", "\n".join(
        ['load("@rules_cc//cc:defs.bzl", "cc_library")', 'exports_files(["protoc"])'] +
        [_library(repository, library) for library in _LIBRARIES],
    ))

system_libraries = repository_rule(
    implementation = _system_libraries,
    local = True,
)
