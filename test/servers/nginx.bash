# shellcheck shell=bash
# nginx, for tests of connectors that speak HTTP.
# needs: nginx nginx-light

# start_nginx SERVER [HTTP] starts nginx on a free port and waits until it answers. SERVER is what stands in the server
# block beside `listen`, HTTP what stands beside the server block (log formats, limits). Paths may be relative to the
# exported NGINX_DIR, the folder with access.log, error.log and html/, the default root; NGINX_URL is exported too. It ends
# with the test, or with `stop nginx`.
start_nginx() {
  local port user=""
  port=$(free_port)
  NGINX_DIR=$(mktemp -d "$SANDBOX/nginx.XXXXXX")
  export NGINX_DIR NGINX_URL=http://127.0.0.1:$port
  mkdir "$NGINX_DIR/html"
  [[ $(id -u) -ne 0 ]] || user="user root root;" # else the worker could not read the test's own files
  cat >"$NGINX_DIR/nginx.conf" <<CONF
daemon off; $user
worker_processes 1;
pid nginx.pid;
error_log error.log info;
events {}
http {
  access_log access.log;
  default_type application/octet-stream;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  ${2:-}
  server {
    listen 127.0.0.1:$port;
    root html;
    $1
  }
}
CONF
  start nginx nginx -e error.log -p "$NGINX_DIR" -c nginx.conf
  wait_until 10 port_answers "$port"
}
