# Every third-party library Fiso links, named once. What each replaces is in RATIONALE.md.
find_package(Threads REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(simdjson REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(prometheus-cpp CONFIG REQUIRED)
find_package(tl-expected REQUIRED)
find_package(mimalloc REQUIRED)
find_package(GTest REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(FYAML REQUIRED IMPORTED_TARGET libfyaml)
pkg_check_modules(CARES REQUIRED IMPORTED_TARGET libcares)
pkg_check_modules(NGHTTP2 REQUIRED IMPORTED_TARGET libnghttp2)
pkg_check_modules(RDKAFKA REQUIRED IMPORTED_TARGET rdkafka)

# Asio: no deprecated names, and errors as values (nothing of ours throws).
add_library(fiso_asio INTERFACE)
target_link_libraries(fiso_asio INTERFACE Boost::headers Threads::Threads)
# Frames of coroutines come from the allocator as all else does: Asio's own cache holds two, is searched, and a call has more under way.
target_compile_definitions(fiso_asio INTERFACE BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_AWAITABLE_FRAME_RECYCLING)

# llhttp >= 9.2.1 in C, unpacked by tools/setup.sh from a pinned source package (the distribution's 8.1.0 has known
# request-smuggling faults).
set(FISO_DEPS_DIR "$ENV{HOME}/.cache/fiso/deps" CACHE PATH "Where tools/setup.sh puts source packages")
find_path(LLHTTP_DIR llhttp.c PATHS ${FISO_DEPS_DIR}/llhttp-9.3.0 NO_DEFAULT_PATH)
if(NOT LLHTTP_DIR)
  message(FATAL_ERROR "llhttp sources not found in ${FISO_DEPS_DIR}: run tools/setup.sh")
endif()
add_library(llhttp STATIC ${LLHTTP_DIR}/llhttp.c ${LLHTTP_DIR}/api.c ${LLHTTP_DIR}/http.c)
target_include_directories(llhttp SYSTEM PUBLIC ${LLHTTP_DIR})
target_compile_options(llhttp PRIVATE -O2 -w)
