// A guest that lives on: it serves a port of its own, or reads its input and writes, until it ends or is told to.
//
// Threading: shard-local. Module::start_resident() makes one.
#pragma once

#include <string>
#include <string_view>

#include "wasm/run.h"

namespace fiso::wasm {

enum class GuestStream { kOutput, kErrors };

enum class ResidentNotice {
  kListening,  // on a port that its rules give it; the text is that port, a space, and ADDRESS:PORT, where it really is
  kWaiting,    // for more input than it has got; the text says how many bytes of it it has read, in decimal digits
  kDenied,     // the text says what its network rules refused
};

// What a resident does, told on its shard as it happens, in the order in which the guest did it. Not called any more once the
// resident is destroyed.
class ResidentEvents {
 public:
  virtual ~ResidentEvents() = default;
  // As the guest wrote it, in pieces.
  virtual void written(GuestStream stream, std::string_view text) = 0;
  virtual void noticed(ResidentNotice notice, std::string_view text) = 0;
  // The last that is told. Never kTimeout: a resident has no time of its own.
  virtual void ended(const RunResult& result) = 0;
};

class Resident {
 public:
  // Stops the guest where it is. What it holds of the process's capacity is given back in the shard's next turn, which whoever
  // ends the capacity waits for.
  virtual ~Resident() = default;
  // Asks it to end, as SIGTERM does. Nothing is written afterwards.
  virtual void terminate() = 0;
  // More of its input. Kept until the guest reads it: how much that may be is the caller's to bound.
  virtual void write(std::string text) = 0;
  // Nothing follows what was written.
  virtual void end_input() = 0;
};

}  // namespace fiso::wasm
