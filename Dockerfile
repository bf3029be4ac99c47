# One image for every process of ours; docker-compose.yml says which command each runs.

FROM python:3.11-slim-bookworm AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1

RUN python -m venv /opt/operationrun
WORKDIR /build

# The dependencies in a layer of their own: it is built anew only when a lock file changes.
COPY tools/requirements.txt tools/requirements-dev.txt tools/
RUN sed --quiet '/^setuptools==/,/^    # via/p' tools/requirements-dev.txt > tools/requirements-build.txt \
    && /opt/operationrun/bin/pip install --require-hashes --only-binary :all: \
        --requirement tools/requirements.txt --requirement tools/requirements-build.txt

# What may come in is listed in .dockerignore.
COPY . .
RUN /opt/operationrun/bin/pip install --no-index --no-deps --no-build-isolation .


FROM python:3.11-slim-bookworm

RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates git openssh-client \
    && rm -rf /var/lib/apt/lists/*

# The folders exist, and are the user's, before a volume is laid over them: a new volume takes that over.
RUN useradd --create-home --uid 10001 --shell /usr/sbin/nologin operationrun \
    && install --directory --owner operationrun --group operationrun --mode 0700 \
        /var/lib/operationrun /home/operationrun/.ssh

COPY --from=build /opt/operationrun /opt/operationrun

ENV PATH=/opt/operationrun/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1

USER operationrun
WORKDIR /var/lib/operationrun
EXPOSE 8080
CMD ["operationrun", "--help"]
