import http.server,sys
class H(http.server.BaseHTTPRequestHandler):
    def do_POST(s):
        b=s.rfile.read(int(s.headers.get('Content-Length',0)))
        print(s.path,dict(s.headers),b.decode(),flush=True)
        s.send_response(200); s.end_headers(); s.wfile.write(b'ok')
    def log_message(s,*a): pass
http.server.HTTPServer(('127.0.0.1',21778),H).serve_forever()
