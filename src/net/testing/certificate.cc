#include "net/testing/certificate.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "base/check.h"

namespace fiso::testing {
namespace {

template <class F>
void write(const std::string& path, F content) {
  FILE* file = std::fopen(path.c_str(), "w");
  FISO_CHECK(file != nullptr);
  content(file);
  std::fclose(file);
}

std::string temporary_folder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "fiso-tls-XXXXXX").string();
  FISO_CHECK(mkdtemp(pattern.data()) != nullptr);
  return pattern;
}

}  // namespace

Certificate::Certificate(std::string names) : names_(std::move(names)), folder_(temporary_folder()) { renew(); }

Certificate::~Certificate() { std::filesystem::remove_all(folder_); }

void Certificate::renew() const {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_NAME* subject = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
  X509_set_issuer_name(certificate, subject);
  X509_EXTENSION* names = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names_.c_str());
  X509_add_ext(certificate, names, -1);
  X509_sign(certificate, key, EVP_sha256());
  write(key_file(), [&](FILE* file) { PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr); });
  write(cert_file(), [&](FILE* file) { PEM_write_X509(file, certificate); });
  X509_EXTENSION_free(names);
  X509_free(certificate);
  EVP_PKEY_free(key);
}

void Certificate::spoil() const {
  write(cert_file(), [](FILE* file) { std::fputs("spoilt\n", file); });
}

void Certificate::lock_key() const {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  const auto* phrase = reinterpret_cast<const unsigned char*>("phrase");
  write(key_file(), [&](FILE* file) { PEM_write_PrivateKey(file, key, EVP_aes_128_cbc(), phrase, 6, nullptr, nullptr); });
  EVP_PKEY_free(key);
}

}  // namespace fiso::testing
