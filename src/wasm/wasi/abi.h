// WASI preview 1 as bytes: numbers, flags and struct layouts of the ABI `wasi_snapshot_preview1`.
//
// Names and values follow the specification's witx files (github.com/WebAssembly/WASI, tag snapshot-01). A struct is never
// overlaid on guest memory; it is read and written field by field at the offsets below, little-endian as the guest sees it.
#pragma once

#include <bit>
#include <cstdint>

namespace fiso::wasm::wasi {

static_assert(std::endian::native == std::endian::little, "guest memory is little-endian");

using Fd = uint32_t;
using GuestPointer = uint32_t;

// The result of nearly every function.
enum class Errno : uint16_t {
  kSuccess = 0,
  k2big = 1,
  kAcces = 2,
  kAddrinuse = 3,
  kAddrnotavail = 4,
  kAfnosupport = 5,
  kAgain = 6,
  kAlready = 7,
  kBadf = 8,
  kBadmsg = 9,
  kBusy = 10,
  kCanceled = 11,
  kChild = 12,
  kConnaborted = 13,
  kConnrefused = 14,
  kConnreset = 15,
  kDeadlk = 16,
  kDestaddrreq = 17,
  kDom = 18,
  kDquot = 19,
  kExist = 20,
  kFault = 21,
  kFbig = 22,
  kHostunreach = 23,
  kIdrm = 24,
  kIlseq = 25,
  kInprogress = 26,
  kIntr = 27,
  kInval = 28,
  kIo = 29,
  kIsconn = 30,
  kIsdir = 31,
  kLoop = 32,
  kMfile = 33,
  kMlink = 34,
  kMsgsize = 35,
  kMultihop = 36,
  kNametoolong = 37,
  kNetdown = 38,
  kNetreset = 39,
  kNetunreach = 40,
  kNfile = 41,
  kNobufs = 42,
  kNodev = 43,
  kNoent = 44,
  kNoexec = 45,
  kNolck = 46,
  kNolink = 47,
  kNomem = 48,
  kNomsg = 49,
  kNoprotoopt = 50,
  kNospc = 51,
  kNosys = 52,
  kNotconn = 53,
  kNotdir = 54,
  kNotempty = 55,
  kNotrecoverable = 56,
  kNotsock = 57,
  kNotsup = 58,
  kNotty = 59,
  kNxio = 60,
  kOverflow = 61,
  kOwnerdead = 62,
  kPerm = 63,
  kPipe = 64,
  kProto = 65,
  kProtonosupport = 66,
  kPrototype = 67,
  kRange = 68,
  kRofs = 69,
  kSpipe = 70,
  kSrch = 71,
  kStale = 72,
  kTimedout = 73,
  kTxtbsy = 74,
  kXdev = 75,
  kNotcapable = 76,
};

// The guest's number for an errno of this host; kIo for one it has no number for.
Errno errno_of_host(int host_errno);

// What a descriptor may be used for: a set of bits.
using Rights = uint64_t;
namespace rights {
inline constexpr Rights kFdDatasync = 1u << 0;
inline constexpr Rights kFdRead = 1u << 1;
inline constexpr Rights kFdSeek = 1u << 2;
inline constexpr Rights kFdFdstatSetFlags = 1u << 3;
inline constexpr Rights kFdSync = 1u << 4;
inline constexpr Rights kFdTell = 1u << 5;
inline constexpr Rights kFdWrite = 1u << 6;
inline constexpr Rights kFdAdvise = 1u << 7;
inline constexpr Rights kFdAllocate = 1u << 8;
inline constexpr Rights kPathCreateDirectory = 1u << 9;
inline constexpr Rights kPathCreateFile = 1u << 10;
inline constexpr Rights kPathLinkSource = 1u << 11;
inline constexpr Rights kPathLinkTarget = 1u << 12;
inline constexpr Rights kPathOpen = 1u << 13;
inline constexpr Rights kFdReaddir = 1u << 14;
inline constexpr Rights kPathReadlink = 1u << 15;
inline constexpr Rights kPathRenameSource = 1u << 16;
inline constexpr Rights kPathRenameTarget = 1u << 17;
inline constexpr Rights kPathFilestatGet = 1u << 18;
inline constexpr Rights kPathFilestatSetSize = 1u << 19;
inline constexpr Rights kPathFilestatSetTimes = 1u << 20;
inline constexpr Rights kFdFilestatGet = 1u << 21;
inline constexpr Rights kFdFilestatSetSize = 1u << 22;
inline constexpr Rights kFdFilestatSetTimes = 1u << 23;
inline constexpr Rights kPathSymlink = 1u << 24;
inline constexpr Rights kPathRemoveDirectory = 1u << 25;
inline constexpr Rights kPathUnlinkFile = 1u << 26;
inline constexpr Rights kPollFdReadwrite = 1u << 27;
inline constexpr Rights kSockShutdown = 1u << 28;
inline constexpr Rights kSockAccept = 1u << 29;
inline constexpr Rights kAll = (1u << 30) - 1;
}  // namespace rights

enum class Filetype : uint8_t {
  kUnknown = 0,
  kBlockDevice = 1,
  kCharacterDevice = 2,
  kDirectory = 3,
  kRegularFile = 4,
  kSocketDgram = 5,
  kSocketStream = 6,
  kSymbolicLink = 7,
};

// The kind of a file by its st_mode.
Filetype filetype_of_mode(uint32_t mode);

namespace fdflags {
inline constexpr uint16_t kAppend = 1, kDsync = 2, kNonblock = 4, kRsync = 8, kSync = 16, kAll = 31;
}
namespace oflags {
inline constexpr uint16_t kCreat = 1, kDirectory = 2, kExcl = 4, kTrunc = 8, kAll = 15;
}
namespace lookupflags {
inline constexpr uint32_t kSymlinkFollow = 1;
}
namespace fstflags {
inline constexpr uint16_t kAtim = 1, kAtimNow = 2, kMtim = 4, kMtimNow = 8, kAll = 15;
}
namespace whence {
inline constexpr uint32_t kSet = 0, kCur = 1, kEnd = 2;
}
namespace advice {
inline constexpr uint32_t kNormal = 0, kSequential = 1, kRandom = 2, kWillneed = 3, kDontneed = 4, kNoreuse = 5;
}
namespace clockid {
inline constexpr uint32_t kRealtime = 0, kMonotonic = 1, kProcessCputime = 2, kThreadCputime = 3;
}
namespace eventtype {
inline constexpr uint8_t kClock = 0, kFdRead = 1, kFdWrite = 2;
}
namespace eventrwflags {
inline constexpr uint16_t kHangup = 1;
}
namespace subclockflags {
inline constexpr uint16_t kAbstime = 1;
}
inline constexpr uint8_t kPreopentypeDir = 0;

// iovec and ciovec
namespace iovec {
inline constexpr uint32_t kBuf = 0, kLen = 4, kSize = 8;
}
namespace fdstat {
inline constexpr uint32_t kFiletype = 0, kFlags = 2, kRightsBase = 8, kRightsInheriting = 16, kSize = 24;
}
namespace filestat {
inline constexpr uint32_t kDev = 0, kIno = 8, kFiletype = 16, kNlink = 24, kFileSize = 32, kAtim = 40, kMtim = 48, kCtim = 56;
inline constexpr uint32_t kSize = 64;
}  // namespace filestat
namespace prestat {
inline constexpr uint32_t kTag = 0, kDirNameLen = 4, kSize = 8;
}
// Followed by the name, d_namlen bytes without a terminator.
namespace dirent {
inline constexpr uint32_t kNext = 0, kIno = 8, kNamlen = 16, kType = 20, kSize = 24;
}
namespace subscription {
inline constexpr uint32_t kUserdata = 0, kTag = 8, kSize = 48;
inline constexpr uint32_t kClockId = 16, kClockTimeout = 24, kClockFlags = 40;  // of a clock
inline constexpr uint32_t kFd = 16;                                             // of fd_read and fd_write
}  // namespace subscription
namespace event {
inline constexpr uint32_t kUserdata = 0, kError = 8, kType = 10, kNbytes = 16, kFlags = 24, kSize = 32;
}

}  // namespace fiso::wasm::wasi
