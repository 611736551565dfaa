# eventbusd and eventbusctl in a small image that runs as nobody in particular. deploy/README.md
# tells how to run it.
#   docker build -t eventbus .

FROM debian:bookworm-slim AS build
WORKDIR /src
# The packages first, so that a change of the source does not install them again.
COPY scripts/lib scripts/lib
RUN bash -euo pipefail -c '. scripts/lib/common.sh && install_packages build' \
    && rm -rf /var/lib/apt/lists/*
COPY . .
RUN cmake --preset release -DEVENTBUS_BUILD_TESTS=OFF \
    && cmake --build --preset release --target eventbusd eventbusctl \
    && cmake --install build/release --component programs --prefix /image/usr/local --strip
# What the programs need at run time: the packages that own the libraries they are linked with.
RUN scripts/runtime-packages /image/usr/local/bin/* >/image/runtime-packages

FROM debian:bookworm-slim
COPY --from=build /image/runtime-packages /tmp/runtime-packages
RUN apt-get update \
    && xargs apt-get install -y --no-install-recommends ca-certificates </tmp/runtime-packages \
    && rm -rf /var/lib/apt/lists/* /tmp/runtime-packages \
    && useradd --system --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin eventbus
COPY --from=build /image/usr/local /usr/local
USER eventbus
EXPOSE 9463 9464
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["eventbusctl", "health"]
ENTRYPOINT ["eventbusd"]
