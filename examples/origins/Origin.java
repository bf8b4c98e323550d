// An origin with the JDK's own server, Java 17 and later: java Origin.java
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.Base64;
import java.util.HexFormat;

public class Origin {
    /** The client's certificate, or null when the request carries none. */
    static X509Certificate clientCertificate(HttpExchange exchange) throws GeneralSecurityException {
        String der = exchange.getRequestHeaders().getFirst("Cf-Client-Cert-Der-Base64");
        if (der == null) {
            return null;
        }
        var bytes = new ByteArrayInputStream(Base64.getDecoder().decode(der));
        return (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(bytes);
    }

    static void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            X509Certificate certificate = clientCertificate(exchange);
            if (certificate == null) {
                send(exchange, 401, "{\"error\":\"no client certificate\"}");
                return;
            }
            byte[] sha256 = MessageDigest.getInstance("SHA-256").digest(certificate.getEncoded());
            send(exchange, 200, "{\"sha256\":\"%s\",\"serial\":\"%s\"}".formatted(
                    HexFormat.of().formatHex(sha256), certificate.getSerialNumber().toString(16)));
        } catch (GeneralSecurityException | IllegalArgumentException error) {
            send(exchange, 400, "{\"error\":\"unreadable client certificate\"}");
        }
    }

    static void send(HttpExchange exchange, int status, String json) throws IOException {
        byte[] body = json.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("content-type", "application/json");
        exchange.sendResponseHeaders(status, body.length);
        exchange.getResponseBody().write(body);
    }

    public static void main(String[] arguments) throws IOException {
        int port = Integer.parseInt(System.getenv().getOrDefault("PORT", "8080"));
        // Loopback: on this machine, Envoy alone can reach it.
        var address = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
        HttpServer server = HttpServer.create(address, 0);
        server.createContext("/", Origin::answer);
        server.start();
    }
}
