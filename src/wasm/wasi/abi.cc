#include "wasm/wasi/abi.h"

#include <sys/stat.h>

#include <cerrno>

namespace fiso::wasm::wasi {

Errno errno_of_host(int host_errno) {
  switch (host_errno) {
    case 0: return Errno::kSuccess;
    case E2BIG: return Errno::k2big;
    case EACCES: return Errno::kAcces;
    case EAGAIN: return Errno::kAgain;
    case EBADF: return Errno::kBadf;
    case EBUSY: return Errno::kBusy;
    case ECONNABORTED: return Errno::kConnaborted;
    case ECONNRESET: return Errno::kConnreset;
    case EDQUOT: return Errno::kDquot;
    case EEXIST: return Errno::kExist;
    case EFBIG: return Errno::kFbig;
    case EILSEQ: return Errno::kIlseq;
    case EINTR: return Errno::kIntr;
    case EINVAL: return Errno::kInval;
    case EISDIR: return Errno::kIsdir;
    case ELOOP: return Errno::kLoop;
    case EMFILE: return Errno::kMfile;
    case EMLINK: return Errno::kMlink;
    case ENAMETOOLONG: return Errno::kNametoolong;
    case ENFILE: return Errno::kNfile;
    case ENODEV: return Errno::kNodev;
    case ENOENT: return Errno::kNoent;
    case ENOMEM: return Errno::kNomem;
    case ENOSPC: return Errno::kNospc;
    case ENOSYS: return Errno::kNosys;
    case ENOTDIR: return Errno::kNotdir;
    case ENOTEMPTY: return Errno::kNotempty;
    case EOPNOTSUPP: return Errno::kNotsup;
    case ENOTCONN: return Errno::kNotconn;
    case ENOTTY: return Errno::kNotty;
    case ENXIO: return Errno::kNxio;
    case EOVERFLOW: return Errno::kOverflow;
    case EPERM: return Errno::kPerm;
    case EPIPE: return Errno::kPipe;
    case ERANGE: return Errno::kRange;
    case EROFS: return Errno::kRofs;
    case ESPIPE: return Errno::kSpipe;
    case ESTALE: return Errno::kStale;
    case ETIMEDOUT: return Errno::kTimedout;
    case ETXTBSY: return Errno::kTxtbsy;
    case EXDEV: return Errno::kXdev;
    default: return Errno::kIo;
  }
}

Filetype filetype_of_mode(uint32_t mode) {
  switch (mode & S_IFMT) {
    case S_IFBLK: return Filetype::kBlockDevice;
    case S_IFCHR: return Filetype::kCharacterDevice;
    case S_IFDIR: return Filetype::kDirectory;
    case S_IFREG: return Filetype::kRegularFile;
    case S_IFSOCK: return Filetype::kSocketStream;
    case S_IFLNK: return Filetype::kSymbolicLink;
    default: return Filetype::kUnknown;
  }
}

}  // namespace fiso::wasm::wasi
