// A certificate in files, for servers of tests.
#pragma once

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <functional>
#include <string>

#include "test_server.h"

namespace fiso::testing {

// A key and a certificate that signs itself, for 127.0.0.1, in files of their own directory.
class Certificate {
 public:
  Certificate() { renew(); }
  // Other ones in the same files.
  void renew() {
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
    X509_EXTENSION* names = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "IP:127.0.0.1");
    X509_add_ext(certificate, names, -1);
    X509_sign(certificate, key, EVP_sha256());
    write(key_file(), [&](FILE* file) { PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr); });
    write(cert_file(), [&](FILE* file) { PEM_write_X509(file, certificate); });
    X509_EXTENSION_free(names);
    X509_free(certificate);
    EVP_PKEY_free(key);
  }
  // No certificate any more.
  void spoil() const {
    write(cert_file(), [](FILE* file) { std::fputs("spoilt\n", file); });
  }
  std::string cert_file() const { return directory_.path() + "/cert.pem"; }
  std::string key_file() const { return directory_.path() + "/key.pem"; }
  std::string source_more() const { return ", tls: {certFile: " + cert_file() + ", keyFile: " + key_file() + "}"; }

 private:
  static void write(const std::string& path, const std::function<void(FILE*)>& content) {
    FILE* file = std::fopen(path.c_str(), "w");
    content(file);
    std::fclose(file);
  }
  ConfigDirectory directory_;
};

}  // namespace fiso::testing
