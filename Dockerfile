# Builds the spg command line as one static binary on an empty image.
#   docker build -t spg . && docker run --rm -i spg --memory shell
FROM rust:1.95-bookworm AS build
RUN rustup target add x86_64-unknown-linux-musl \
    && apt-get update && apt-get install -y --no-install-recommends musl-tools \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN cargo build --release --locked --bin spg --target x86_64-unknown-linux-musl \
    && cp target/x86_64-unknown-linux-musl/release/spg /spg

FROM scratch
COPY --from=build /spg /spg
USER 65534:65534
ENTRYPOINT ["/spg"]
CMD ["--help"]
