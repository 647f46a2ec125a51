void Server::accept() { answer(); }
