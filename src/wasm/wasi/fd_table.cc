#include "wasm/wasi/fd_table.h"

namespace fiso::wasm::wasi {

Rights directory_rights(Access access) {
  using namespace rights;
  constexpr Rights kReading = kPathOpen | kFdReaddir | kPathReadlink | kPathFilestatGet | kFdFilestatGet | kFdSync | kFdDatasync |
                              kFdFdstatSetFlags | kPollFdReadwrite;
  constexpr Rights kChanging = kPathCreateDirectory | kPathCreateFile | kPathLinkSource | kPathLinkTarget | kPathRenameSource |
                               kPathRenameTarget | kPathFilestatSetSize | kPathFilestatSetTimes | kFdFilestatSetTimes |
                               kPathSymlink | kPathRemoveDirectory | kPathUnlinkFile;
  return access == Access::kReadOnly ? kReading : kReading | kChanging;
}

Rights file_rights(Access access) {
  using namespace rights;
  constexpr Rights kReading =
      kFdRead | kFdSeek | kFdTell | kFdAdvise | kFdFilestatGet | kFdSync | kFdDatasync | kFdFdstatSetFlags | kPollFdReadwrite;
  constexpr Rights kChanging = kFdWrite | kFdAllocate | kFdFilestatSetSize | kFdFilestatSetTimes;
  return access == Access::kReadOnly ? kReading : kReading | kChanging;
}

std::optional<Fd> FdTable::add(Descriptor descriptor) {
  if (full()) return std::nullopt;
  Fd fd = 0;
  while (fd < entries_.size() && entries_[fd].kind != Descriptor::Kind::kNone) ++fd;
  if (fd == entries_.size()) entries_.emplace_back();
  entries_[fd] = std::move(descriptor);
  ++open_;
  return fd;
}

std::optional<Descriptor> FdTable::put(Fd fd, Descriptor descriptor) {
  if (fd >= most_) return std::nullopt;
  if (fd >= entries_.size()) entries_.resize(fd + 1);
  if (entries_[fd].kind == Descriptor::Kind::kNone) ++open_;
  return std::exchange(entries_[fd], std::move(descriptor));
}

Descriptor FdTable::take(Fd fd) {
  --open_;
  return std::exchange(entries_[fd], Descriptor{});
}

}  // namespace fiso::wasm::wasi
