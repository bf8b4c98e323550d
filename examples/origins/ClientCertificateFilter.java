// Spring Boot 3 (servlet stack), with server.address=127.0.0.1 in application.properties.
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.Base64;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.stereotype.Component;
import org.springframework.web.filter.OncePerRequestFilter;

/** Puts the certificate where servlets and Spring Security's x509() look for it. */
@Component
@Order(Ordered.HIGHEST_PRECEDENCE)
public class ClientCertificateFilter extends OncePerRequestFilter {
    @Override
    protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        String der = request.getHeader("Cf-Client-Cert-Der-Base64");
        if (der != null) {
            try {
                var bytes = new ByteArrayInputStream(Base64.getDecoder().decode(der));
                var certificate = CertificateFactory.getInstance("X.509").generateCertificate(bytes);
                request.setAttribute("jakarta.servlet.request.X509Certificate",
                        new X509Certificate[] {(X509Certificate) certificate});
            } catch (CertificateException | IllegalArgumentException error) {
                response.sendError(HttpServletResponse.SC_BAD_REQUEST, "unreadable client certificate");
                return;
            }
        }
        chain.doFilter(request, response);
    }
}
