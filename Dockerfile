# The daemon and the command line as static binaries on an empty image.
#
#   docker build -t spg .
#   docker run -d --name spg -p 127.0.0.1:5544:5544 spg
#   docker exec spg /spg query "SELECT 1"
#
# A container is reached through an address that is not loopback, which the daemon refuses without --insecure until
# authentication exists: publish the port on 127.0.0.1, as above, or on a network whose every member may read and write.
FROM rust:1.95-slim-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends make musl-tools \
    && rm -rf /var/lib/apt/lists/* \
    && rustup target add "$(uname -m)-unknown-linux-musl"
WORKDIR /src
COPY . .
RUN target="$(uname -m)-unknown-linux-musl" \
    && cargo build --release --locked -p spg-server -p spg \
        --features spg-server/jemalloc,spg/jemalloc --target "$target" \
    && mkdir -p /image/data /image/tmp && chmod 1777 /image/tmp \
    && cp "target/$target/release/spg-server" "target/$target/release/spg" /image/

FROM scratch
COPY --from=build --chown=65534:65534 /image/ /
# A number, for there is no file of names: an orchestrator that demands a user other than root can tell.
USER 65534:65534
# As --data-dir; empty (`-e SPG_DATA_DIR=`) keeps the data in memory.
ENV SPG_DATA_DIR=/data
VOLUME /data
EXPOSE 5544
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s CMD ["/spg", "health", "--addr", "127.0.0.1:5544"]
# Options given to `docker run` follow: `docker run spg --memory-limit 2GB`.
ENTRYPOINT ["/spg-server", "0.0.0.0:5544", "--insecure"]
