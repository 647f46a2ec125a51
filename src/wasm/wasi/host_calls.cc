#include "wasm/wasi/host_calls.h"

#include <array>

#include "wasm/wasi/calls.h"

namespace fiso::wasm::wasi {
namespace {

using enum Waits;

constexpr std::array<HostFunction, 46> kFunctions{{
    {"args_get", "ii", true, kNever, calls::args_get},
    {"args_sizes_get", "ii", true, kNever, calls::args_sizes_get},
    {"clock_res_get", "ii", true, kNever, calls::clock_res_get},
    {"clock_time_get", "iIi", true, kNever, calls::clock_time_get},
    {"environ_get", "ii", true, kNever, calls::environ_get},
    {"environ_sizes_get", "ii", true, kNever, calls::environ_sizes_get},
    {"fd_advise", "iIIi", true, kForFiles, calls::fd_advise},
    {"fd_allocate", "iII", true, kForFiles, calls::fd_allocate},
    {"fd_close", "i", true, kForFiles, calls::fd_close},
    {"fd_datasync", "i", true, kForFiles, calls::fd_datasync},
    {"fd_fdstat_get", "ii", true, kNever, calls::fd_fdstat_get},
    {"fd_fdstat_set_flags", "ii", true, kNever, calls::fd_fdstat_set_flags},
    {"fd_fdstat_set_rights", "iII", true, kNever, calls::fd_fdstat_set_rights},
    {"fd_filestat_get", "ii", true, kForInputOrFiles, calls::fd_filestat_get},
    {"fd_filestat_set_size", "iI", true, kForFiles, calls::fd_filestat_set_size},
    {"fd_filestat_set_times", "iIIi", true, kForFiles, calls::fd_filestat_set_times},
    {"fd_pread", "iiiIi", true, kForInputOrFiles, calls::fd_pread},
    {"fd_prestat_dir_name", "iii", true, kNever, calls::fd_prestat_dir_name},
    {"fd_prestat_get", "ii", true, kNever, calls::fd_prestat_get},
    {"fd_pwrite", "iiiIi", true, kForFiles, calls::fd_pwrite},
    {"fd_read", "iiii", true, kForInputOrFiles, calls::fd_read},
    {"fd_readdir", "iiiIi", true, kForFiles, calls::fd_readdir},
    {"fd_renumber", "ii", true, kForFiles, calls::fd_renumber},
    {"fd_seek", "iIii", true, kForInputOrFiles, calls::fd_seek},
    {"fd_sync", "i", true, kForFiles, calls::fd_sync},
    {"fd_tell", "ii", true, kNever, calls::fd_tell},
    {"fd_write", "iiii", true, kForFiles, calls::fd_write},
    {"path_create_directory", "iii", true, kForFiles, calls::path_create_directory},
    {"path_filestat_get", "iiiii", true, kForInputOrFiles, calls::path_filestat_get},
    {"path_filestat_set_times", "iiiiIIi", true, kForFiles, calls::path_filestat_set_times},
    {"path_link", "iiiiiii", true, kForFiles, calls::path_link},
    {"path_open", "iiiiiIIii", true, kForInputOrFiles, calls::path_open},
    {"path_readlink", "iiiiii", true, kForFiles, calls::path_readlink},
    {"path_remove_directory", "iii", true, kForFiles, calls::path_remove_directory},
    {"path_rename", "iiiiii", true, kForFiles, calls::path_rename},
    {"path_symlink", "iiiii", true, kForFiles, calls::path_symlink},
    {"path_unlink_file", "iii", true, kForFiles, calls::path_unlink_file},
    {"poll_oneoff", "iiii", true, kAlways, calls::poll_oneoff},
    {"proc_exit", "i", false, kNever, calls::proc_exit},
    {"proc_raise", "i", true, kNever, calls::proc_raise},
    {"random_get", "ii", true, kAlways, calls::random_get},
    {"sched_yield", "", true, kNever, calls::sched_yield},
    {"sock_accept", "iii", true, kForSockets, calls::sock_accept},
    {"sock_recv", "iiiiii", true, kForSockets, calls::sock_recv},
    {"sock_send", "iiiii", true, kForSockets, calls::sock_send},
    {"sock_shutdown", "ii", true, kForSockets, calls::sock_shutdown},
}};

}  // namespace

std::span<const HostFunction> host_functions() { return kFunctions; }

}  // namespace fiso::wasm::wasi
