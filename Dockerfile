# One image for all services, one more for the front door: docker build --target oxo -t oxo . && docker build --target oxo-gateway -t oxo-gateway .
# Both with --build-arg OXO_VERSION=0.2.0+$(git rev-parse --short=8 HEAD), or it is the release of package.json.
# A test runs what the stages do in an empty folder and starts services from the result (mesh/kubernetes/image/).

# The packages, without what only development and reading need.
FROM docker.io/library/node:24.21.0-bookworm-slim AS packages
WORKDIR /srv/oxo
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund
RUN find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete

# The sources as Node runs them: there is no build.
FROM docker.io/library/node:24.21.0-bookworm-slim AS sources
WORKDIR /srv/oxo
COPY package.json ./
COPY gen ./gen
COPY gateway ./gateway
COPY services ./services
COPY mesh/kit ./mesh/kit
COPY mesh/local ./mesh/local
COPY mesh/kubernetes ./mesh/kubernetes
RUN find . -name '*.test.ts' -delete

# Without a shell. Node's own user would do, but the number is what manifests name.
FROM gcr.io/distroless/nodejs24-debian12:nonroot AS oxo
WORKDIR /srv/oxo
COPY --from=packages /srv/oxo/node_modules ./node_modules
COPY --from=sources /srv/oxo ./
ENV PATH=/nodejs/bin:/usr/local/bin:/usr/bin:/bin NODE_ENV=production
# What it says that it runs (oxo_build_info); the release in package.json where whoever builds says nothing.
ARG OXO_VERSION=
ENV OXO_VERSION=$OXO_VERSION
USER 10001:10001
ENTRYPOINT []
CMD ["node", "--version"]

FROM oxo AS oxo-gateway
COPY --from=docker.io/envoyproxy/envoy:distroless-v1.40.0 /usr/local/bin/envoy /usr/local/bin/envoy
