# docker build -t your-registry/kubenexus-scheduler:latest .
#
# The same image as `make image` makes without Docker. For several architectures:
# docker buildx build --platform linux/amd64,linux/arm64 --sbom=true -t your-registry/kubenexus-scheduler:latest --push .
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG TARGETARCH
# Go compiles for the other architecture by itself: nothing is emulated.
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    make image-binaries IMAGE_ARCHS=${TARGETARCH:-$(go env GOARCH)} && \
    mv bin/${TARGETARCH:-$(go env GOARCH)}/kubenexus-scheduler /kubenexus-scheduler

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /kubenexus-scheduler /usr/local/bin/kubenexus-scheduler
USER 65532:65532
EXPOSE 10259
ENTRYPOINT ["/usr/local/bin/kubenexus-scheduler"]
