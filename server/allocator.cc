// How jemalloc is set up, where eventbusd is linked with it (EVENTBUS_JEMALLOC). The environment
// variable MALLOC_CONF goes before this.

// jemalloc looks for this name when the program starts; it must be known outside of this file.
extern "C" {
extern const char* malloc_conf;

// Up to 128 KiB (2^17), in place of 32 KiB, each thread keeps some freed memory at hand. Messages
// of a hundred events, and what gRPC and Redis are read into, are larger than 32 KiB, and had to go
// through the arenas' locks each time.
const char* malloc_conf = "lg_tcache_max:17";
}
