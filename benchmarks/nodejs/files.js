// Files of a folder by node:http alone, streamed. Argument: the folder. Prints "ready PORT".
"use strict";
const fs = require("node:fs");
const http = require("node:http");
const path = require("node:path");

const server = http.createServer((request, response) => {
  const file = path.join(process.argv[2], path.basename(request.url));
  fs.stat(file, (error, stat) => {
    if (error) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { "Content-Type": "application/octet-stream",
      "Content-Length": stat.size });
    fs.createReadStream(file).pipe(response);
  });
});
server.listen(0, "127.0.0.1", () => console.log(`ready ${server.address().port}`));
