// One function per host call; host_calls.cc puts them into the table. Arguments in the order of the specification.
#pragma once

#include "wasm/wasi/host_calls.h"

namespace fiso::wasm::wasi::calls {

// process.cc
Outcome args_get(Guest&, GuestMemory, Args);
Outcome args_sizes_get(Guest&, GuestMemory, Args);
Outcome environ_get(Guest&, GuestMemory, Args);
Outcome environ_sizes_get(Guest&, GuestMemory, Args);
Outcome proc_exit(Guest&, GuestMemory, Args);
Outcome proc_raise(Guest&, GuestMemory, Args);
Outcome sched_yield(Guest&, GuestMemory, Args);
// clocks_random.cc
Outcome clock_res_get(Guest&, GuestMemory, Args);
Outcome clock_time_get(Guest&, GuestMemory, Args);
Outcome random_get(Guest&, GuestMemory, Args);
// poll.cc
Outcome poll_oneoff(Guest&, GuestMemory, Args);
// sockets.cc
Outcome sock_accept(Guest&, GuestMemory, Args);
Outcome sock_recv(Guest&, GuestMemory, Args);
Outcome sock_send(Guest&, GuestMemory, Args);
Outcome sock_shutdown(Guest&, GuestMemory, Args);
// read_write.cc
Outcome fd_pread(Guest&, GuestMemory, Args);
Outcome fd_pwrite(Guest&, GuestMemory, Args);
Outcome fd_read(Guest&, GuestMemory, Args);
Outcome fd_write(Guest&, GuestMemory, Args);
// descriptors.cc
Outcome fd_close(Guest&, GuestMemory, Args);
Outcome fd_fdstat_get(Guest&, GuestMemory, Args);
Outcome fd_fdstat_set_flags(Guest&, GuestMemory, Args);
Outcome fd_fdstat_set_rights(Guest&, GuestMemory, Args);
Outcome fd_prestat_get(Guest&, GuestMemory, Args);
Outcome fd_prestat_dir_name(Guest&, GuestMemory, Args);
Outcome fd_renumber(Guest&, GuestMemory, Args);
Outcome fd_seek(Guest&, GuestMemory, Args);
Outcome fd_tell(Guest&, GuestMemory, Args);
// file.cc
Outcome fd_advise(Guest&, GuestMemory, Args);
Outcome fd_allocate(Guest&, GuestMemory, Args);
Outcome fd_datasync(Guest&, GuestMemory, Args);
Outcome fd_filestat_get(Guest&, GuestMemory, Args);
Outcome fd_filestat_set_size(Guest&, GuestMemory, Args);
Outcome fd_filestat_set_times(Guest&, GuestMemory, Args);
Outcome fd_sync(Guest&, GuestMemory, Args);
// directory.cc
Outcome fd_readdir(Guest&, GuestMemory, Args);
// path_open.cc
Outcome path_open(Guest&, GuestMemory, Args);
// path.cc
Outcome path_create_directory(Guest&, GuestMemory, Args);
Outcome path_filestat_get(Guest&, GuestMemory, Args);
Outcome path_filestat_set_times(Guest&, GuestMemory, Args);
Outcome path_link(Guest&, GuestMemory, Args);
Outcome path_readlink(Guest&, GuestMemory, Args);
Outcome path_remove_directory(Guest&, GuestMemory, Args);
Outcome path_rename(Guest&, GuestMemory, Args);
Outcome path_symlink(Guest&, GuestMemory, Args);
Outcome path_unlink_file(Guest&, GuestMemory, Args);

}  // namespace fiso::wasm::wasi::calls
