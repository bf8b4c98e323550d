// ASP.NET Core 8, with the recipe aspnet-core.
using Microsoft.AspNetCore.Authentication.Certificate;
using Microsoft.AspNetCore.HttpOverrides;

var builder = WebApplication.CreateBuilder(args);
// Loopback: on this machine, Envoy alone can reach it.
builder.WebHost.UseUrls("http://127.0.0.1:8080");
// Reads base64 of the DER: what the recipe sends.
builder.Services.AddCertificateForwarding(options => options.CertificateHeader = "X-Client-Cert");
builder.Services.AddAuthentication(CertificateAuthenticationDefaults.AuthenticationScheme)
    .AddCertificate(options =>
    {
        // Envoy has verified the chain. With a CA of your own, set CustomTrustStore and ChainTrustValidationMode too.
        options.AllowedCertificateTypes = CertificateTypes.All;
    });
builder.Services.AddAuthorization();
// Certificate authentication wants a request over HTTPS: Envoy says so in X-Forwarded-Proto.
builder.Services.Configure<ForwardedHeadersOptions>(options => options.ForwardedHeaders = ForwardedHeaders.XForwardedProto);

var app = builder.Build();
app.UseForwardedHeaders();
app.UseCertificateForwarding();
app.UseAuthentication();
app.UseAuthorization();
app.MapGet("/", (HttpContext context) => context.Connection.ClientCertificate?.Thumbprint).RequireAuthorization();
app.Run();
