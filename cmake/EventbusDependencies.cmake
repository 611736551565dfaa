# Libraries of the distribution. The oldest supported set is Debian 12's.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(Protobuf REQUIRED)
find_package(absl REQUIRED)
find_package(gRPC REQUIRED)
find_package(spdlog REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(CLI11 REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(prometheus-cpp REQUIRED)
pkg_check_modules(LIBUV REQUIRED IMPORTED_TARGET libuv)
# A call passes through hundreds of functions and thread-local variables of these; in shared libraries each
# is looked up, which cost the daemon up to a fifth of its CPU (docs/decisions.md). The distributions' packages
# bring the archives, too. Sanitizers want to be where threads and memory come from.
option(EVENTBUS_STATIC_GRPC "Link gRPC, Protobuf and Abseil statically, if their archives are there" ON)
if(EVENTBUS_STATIC_GRPC AND NOT EVENTBUS_SANITIZE)
  include(EventbusArchives)
  eventbus_link_archives(gRPC protobuf absl)
endif()
# Costs the daemon a quarter less CPU than glibc's malloc (docs/decisions.md). Sanitizers bring their
# own.
option(EVENTBUS_JEMALLOC "Link eventbusd with jemalloc, if it is there" ON)
if(EVENTBUS_JEMALLOC AND NOT EVENTBUS_SANITIZE)
  pkg_check_modules(JEMALLOC IMPORTED_TARGET jemalloc)
endif()
pkg_check_modules(HIREDIS REQUIRED IMPORTED_TARGET hiredis)
# Redis over TLS: not in Debian 12's hiredis.
pkg_check_modules(HIREDIS_SSL IMPORTED_TARGET hiredis_ssl)
if(HIREDIS_SSL_FOUND)
  find_package(OpenSSL REQUIRED)
endif()
if(EVENTBUS_BUILD_TESTS)
  find_package(GTest REQUIRED)
endif()
