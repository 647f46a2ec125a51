// The first step of every path function: which directory a descriptor stands for, and whether it may be used so.
#pragma once

#include "wasm/wasi/guest.h"
#include "wasm/wasi/sandbox_path.h"

namespace fiso::wasm::wasi {

// kBadf, kNotdir, or, where a right is missing, kRofs in a read-only directory and kNotcapable otherwise.
OrErrno<const Descriptor*> find_directory(Guest& guest, Fd fd, Rights needed);

// The same for a function that changes something, which only directories of the host allow.
OrErrno<HostFileRef> find_host_directory(Guest& guest, Fd fd, Rights needed);

// What a path means inside the directory of GuestOptions::stdin_file: it holds one file and nothing can be put beside it.
enum class InputPath { kDirectory, kFile, kNothing, kOutside };
InputPath resolve_input_path(std::string_view path);

// The errno of a path there that is neither the file nor the directory.
Errno input_path_error(InputPath path);

}  // namespace fiso::wasm::wasi
