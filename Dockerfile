# kae and nothing else: no shell, no user database, no certificates. The binary
# brings the certificate authorities and the time zones that it needs.
#
# Built from the binary that make main-linux-amd64 (or -arm64) leaves here:
#
#   docker build -t kae --build-arg TARGETARCH=amd64 .

FROM scratch

# BuildKit sets it to the machine's; the builder before it has to be told.
ARG TARGETARCH
COPY main-linux-${TARGETARCH} /kae

LABEL org.opencontainers.image.title="kae" \
      org.opencontainers.image.licenses="MIT"

# In a container loopback is the container itself, so kae listens on every
# address. How it is reached from outside (KAE_URL) and by which proxy
# (KAE_TRUST_PROXY) is for whoever runs it to say.
ENV KAE_ADDR=:20999 \
    KAE_DB=/data/kae/kae.sqlite \
    HOME=/data/kae

# Any user can run it who may write to the data directory; see --user.
USER 65532:65532
WORKDIR /data/kae
VOLUME /data/kae
EXPOSE 20999

HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 CMD ["/kae", "healthcheck"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["/kae"]
