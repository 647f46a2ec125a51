// A certificate in files, for servers of tests.
#pragma once

#include <string>

namespace fiso::testing {

// A folder with a key and a certificate that signs itself.
class Certificate {
 public:
  // Valid for these names: "IP:127.0.0.1,DNS:localhost".
  explicit Certificate(std::string names = "IP:127.0.0.1");
  ~Certificate();
  Certificate(const Certificate&) = delete;

  // Other ones in the same files.
  void renew() const;
  // No certificate any more.
  void spoil() const;
  // From now on the key needs a passphrase.
  void lock_key() const;
  std::string cert_file() const { return folder_ + "/cert.pem"; }
  std::string key_file() const { return folder_ + "/key.pem"; }

 private:
  std::string names_, folder_;
};

}  // namespace fiso::testing
